"""Plays the PyPI package dataverse-api against the sandbox and prints what it saw."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import requests
from dataverse_api import DataverseClient

session = requests.Session()
session.headers["Authorization"] = f"Bearer {os.environ['DATAVERSE_TOKEN']}"
client = DataverseClient(session, os.environ["DATAVERSE_URL"])
seen: dict[str, Any] = {}

accounts, contacts = client.entity("account"), client.entity("contact")
seen["definition"] = [contacts.entity_set_name, contacts.primary_id_attr, contacts.primary_img_attr]
seen["multiple"] = [contacts.supports_create_multiple, contacts.supports_update_multiple]
seen["keys"] = accounts.alternate_keys
seen["lookup"] = "parentcustomerid_account" in contacts.relationships.single_valued

accounts.create([{"name": "Contoso", "accountnumber": "1"}])
account = accounts.read(select=["accountid"])[0]["accountid"]
people = [{"lastname": name, "parentcustomerid_account@odata.bind": f"/accounts({account})"} for name in "ABC"]
contacts.create(people, mode="individual")
contacts.create([{"lastname": "D"}, {"lastname": "E"}], mode="batch")
contacts.create([{"lastname": "F"}], mode="multiple")
rows = contacts.read(select=["lastname"], filter="lastname ne 'F'", order_by="lastname desc", page_size=2)
seen["read"] = [row["lastname"] for row in rows]
expanded = contacts.read(select=["lastname"], expand="parentcustomerid_account($select=name)", filter="lastname eq 'A'")
seen["expanded"] = expanded[0]["parentcustomerid_account"]["name"]

contacts.upsert([{"contactid": row["contactid"], "jobtitle": "Poet"} for row in rows], mode="batch")
seen["updated"] = len(contacts.read(select=["jobtitle"], filter="jobtitle eq 'Poet'"))
accounts.upsert([{"accountnumber": "1", "name": "Fabrikam"}], altkey_name="account_accountnumber")
seen["upserted"] = [row["name"] for row in accounts.read(select=["name"])]

contacts.delete_columns(["jobtitle"], ids=[rows[0]["contactid"]])
seen["emptied"] = len(contacts.read(select=["jobtitle"], filter="jobtitle eq null"))
contacts.delete(ids=[row["contactid"] for row in rows[:2]], mode="batch")
contacts.delete(filter="lastname eq 'F'")
seen["left"] = sorted(row["lastname"] for row in contacts.read(select=["lastname"]))

json.dump(seen, sys.stdout)
