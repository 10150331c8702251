"""The systems outside, one folder each, all behind `adapters/target.py`.

An adapter reads an account and applies one step of a plan. It decides nothing: what
an account should be is worked out in `provisioning/`.
"""
