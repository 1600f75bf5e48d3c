"""The notification board in the Airflow UI: Airflow loads `plugin`; the rest is imported at its first request."""
