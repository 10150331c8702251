"""Person, plan, converge, worker: from what HR says to accounts that are right.

A change asks for a look at a (person, target) pair; the worker looks, plans and
applies. No HTTP and no directory protocol here: those are `scim/` and `adapters/`.
"""
