"""The domain, room by room. Rooms (the folders) run without Airflow; the modules beside them are the seams to it."""
