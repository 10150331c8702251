"""The systems outside, one folder each.

Targets stand behind `adapters/target.py`: an adapter reads an account and applies one step
of a plan. HR systems have here what turns their own words into SCIM. Nothing is decided
here: what an account should be is worked out in `provisioning/`.
"""
