"""Microsoft's API-driven inbound provisioning, seen from its clients: what a bulkUpload says,
what a source looks like as a service principal with one job, and what became of a push as
a provisioning log shows it. Pure: `doors/` speaks HTTP and stores.
"""
