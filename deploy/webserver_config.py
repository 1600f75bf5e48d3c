"""How people log in to Airflow: FAB's own form, with users that `airflow users create` made.

An installation with LDAP or OAuth mounts a file of its own over this one (FAB's documentation says what stands in it).
"""

from flask_appbuilder.const import AUTH_DB

AUTH_TYPE = AUTH_DB
AUTH_USER_REGISTRATION = False
WTF_CSRF_ENABLED = True
FAB_PASSWORD_COMPLEXITY_ENABLED = True
