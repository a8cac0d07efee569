"""The contact fields of a freshly opened sandbox account."""

from __future__ import annotations

from shared.local.spotler_sandbox.account.properties import EMAIL, MOBILE, Option, Property, PropertyType

DEFAULT_CATALOGUE = (
    Property(EMAIL, "E-mail address", PropertyType.EMAIL),
    Property("firstName", "First name"),
    Property("infix", "Infix"),
    Property("lastName", "Last name"),
    Property("initials", "Initials"),
    Property("gender", "Gender", PropertyType.GENDER),
    Property("birthday", "Birthday", PropertyType.BIRTHDATE),
    Property("organisation", "Organisation"),
    Property("jobTitle", "Job title"),
    Property("street", "Street"),
    Property("houseNumber", "House number"),
    Property("address2", "Address line 2"),
    Property("postalCode", "Postal code", PropertyType.POSTCODE),
    Property("city", "City"),
    Property("country", "Country"),
    Property("foreignPostalCode", "Postal code abroad"),
    Property("phoneNumber", "Phone number"),
    Property(MOBILE, "Mobile number", PropertyType.MOBILE),
    Property("foreignPhoneNumber", "Phone number abroad"),
    Property("customerType", "Customer type"),
    Property("taal", "Language"),
    Property("accountNumber", "Account number"),
    Property("profileField1", "Profile field 1"),
    Property("profileField2", "Profile field 2"),
    Property("profileField3", "Profile field 3"),
    Property("freeField1", "Number", PropertyType.INT),
    Property("firstPurchaseDate", "First purchase", PropertyType.DATE_TIME),
    Property(
        "permissions",
        "Permissions",
        PropertyType.SET,
        (Option(1, "Newsletter"), Option(2, "Productinfo"), Option(4, "Servicenotifications"), Option(8, "Offers")),
    ),
    Property(
        "interests", "Interests", PropertyType.SET, (Option(1, "Garden"), Option(2, "Travel"), Option(4, "Sports"))
    ),
)
