"""Forms: shown, filled in, and sent as JSON and as XML."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from tests.spotler_sandbox.cases.calls import POST_URL, SIGN_UP, send
from tests.spotler_sandbox.session import Spotler


def test_s14_an_entry_makes_a_contact_and_a_result(spotler: Spotler) -> None:
    send(spotler, *SIGN_UP)
    (person,) = spotler.people("GET", "/contacts", params={"email": "new@example.com"})
    (entry,) = spotler.get("/form/result/1")
    assert spotler.get(f"/form/result/1/{entry['formResultId']}") == entry
    page = spotler.get("/form/1", postUrl=POST_URL, encId=person["encryptedId"], outputMode="DIV")["html"]
    assert 'value="new@example.com"' in page
    assert "<table" not in page


def test_s12_s14_the_vendors_first_plugin_shows_a_form_and_sends_it_in_xml(spotler: Spotler) -> None:
    spotler.prefix = "/integrationservice"
    own = {"rest": "1", "method": "postUrl", "arg1": POST_URL, "postUrl": POST_URL, "outputMode": "TABLES"}
    wants_xml = {"Accept": "*/*"}
    listed = spotler.call("GET", "/form/list", params={"rest": "1"}, headers=wants_xml)
    assert [form.findtext("name") for form in ET.fromstring(listed.content)] == ["Sign-up"]
    page = ET.fromstring(spotler.call("GET", "/form/1", params=own, headers=wants_xml).content)
    fields = dict(re.findall(r'name="(\w+)" value="(\w*)"', page.findtext("html") or ""))
    assert fields == {"email": "", "firstName": "", "lastName": "", "formEncId": "FrmSignUp"}
    fields |= {"email": "new@example.com", "lastName": "Lee"}
    params = ET.Element("params")
    for name, text in (("postUrl", POST_URL), ("outputMode", "TABLES"), ("outputFormat", "XHTML1STRICT")):
        ET.SubElement(params, name).text = text
    entries = ET.SubElement(params, "formParams")
    for name, text in fields.items():
        entry = ET.SubElement(entries, "entry")
        ET.SubElement(entry, "key").text = name
        ET.SubElement(ET.SubElement(entry, "value"), "item").text = text
    headers = {**wants_xml, "Content-Type": "application/xml"}
    sent = spotler.call("POST", "/form/result/1", data=ET.tostring(params), headers=headers)
    assert ET.fromstring(sent.content).findtext("isConfirmationPage") == "true"
    (person,) = spotler.people("GET", "/contacts", params={"email": "new@example.com"})
    assert person["properties"]["lastName"] == "Lee"


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"<params><postUrl>x</postUrl><postUrl>y</postUrl></params>",
        b"<params><postUrl>x</postUrl><formParams><email>x</email></formParams></params>",
        b'<!DOCTYPE x [<!ENTITY e "x">]><params><postUrl>&e;</postUrl><formParams/></params>',
    ],
)
def test_a_form_in_broken_xml_is_400(spotler: Spotler, body: bytes) -> None:
    refused = spotler.call("POST", "/form/result/1", data=body, headers={"Content-Type": "application/xml"})
    assert (refused.status_code, refused.json()["errorType"]) == (400, "INVALID_PARAMS")
