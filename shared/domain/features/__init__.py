"""Rules of marketing lists, automations, subscriber import, contact fields and schema drift."""
