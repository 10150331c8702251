"""Workday's own forms of a worker, taken in at POST /sources/NAME/workers.

Here live the stylesheet that turns Core Connector: Worker and Get_Workers XML into SCIM (the
same that customers run in Workday), the reading of reports (RaaS JSON), and the address. Not
here: what becomes of a record (scim, provisioning). docs/workday.md is the contract.
"""

from __future__ import annotations

from adapters.workday.endpoints import create_blueprint

__all__ = ["create_blueprint"]
