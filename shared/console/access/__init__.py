"""Who uses the console: roles, sessions, tokens against forged requests, the audit log."""
