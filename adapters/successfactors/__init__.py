"""What a customer of SAP SuccessFactors puts into Identity Provisioning: the mappings of its
target transformation, which docs/successfactors.md explains. There is no code here: IPS is a
SCIM client, dealt with by the profile `sap-ips` and the mapping `successfactors`.
"""
