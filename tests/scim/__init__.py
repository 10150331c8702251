"""scim/: the protocol, over HTTP where it can be and by its parts where that shows more."""
