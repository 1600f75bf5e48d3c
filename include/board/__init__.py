"""What the pages of the notification board show: gathered from ledger and arrangements, made into charts and words.

It runs without Airflow; `plugins/notification_board` says who may see which page, and serves it.
"""
