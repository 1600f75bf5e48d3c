"""The demo: real servers, real keys, a real Airflow, and an office that opens what it gets."""
