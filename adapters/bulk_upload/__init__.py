"""Microsoft's API-driven inbound provisioning, for the clients that speak it already.

Every source is a service principal with one job, which takes `bulkUpload` and the calls
around it. What a push says goes the way of any SCIM push, through `scim/` and its intake;
nothing here decides what becomes of an account.
"""

from adapters.bulk_upload.endpoints import create_blueprint
from adapters.bulk_upload.house import House
from adapters.bulk_upload.principal import about

__all__ = ["House", "about", "create_blueprint"]
