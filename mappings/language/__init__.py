"""The expression language of mappings: Entra's, and what Entra lacks.

`grammar` reads text into the nodes of `syntax`; `compiling` turns nodes into closures once;
`expression` is what the rest of Muster uses. The functions are in `functions/`, one family
a module. Nothing here knows of SCIM, of documents, or of the time of day.
"""
