"""Entra's synchronizationSchema (the file of "Download schema") in and out of mapping documents.

`importing` makes two documents of a rule, `exporting` makes the schema of two documents;
`names` says what Entra's attributes are here, `schema` knows the form of the file. What a
document cannot hold is kept in a file beside it and goes back out unchanged.
"""
