"""From HR's words to facts about a person, from facts to an account: YAML documents.

Holds the expression language and the documents that come with Muster. Everything
here is pure: no web framework, no database, no clock of its own.
"""
