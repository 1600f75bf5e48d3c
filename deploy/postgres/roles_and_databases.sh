#!/bin/sh
# Makes each database and its users, once, when PostgreSQL starts on an empty volume. Nobody is let into a database that
# is not theirs: Airflow's user not into the ledger, nor the ledger's into Airflow's. A password is the one that stands
# in the URL by which its user connects. What each of the ledger's users may do there: `python -m include grants`.
set -eu

password() {
  sed -E 's#^[a-z+]+://[^:]+:([^@]+)@.*#\1#' "/run/secrets/$1"
}

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username postgres --dbname postgres \
  --set airflow="$(password airflow_db)" --set celery="$(password celery_results)" \
  --set avr_owner="$(password ledger_owner)" --set avr_worker="$(password ledger_worker)" \
  --set avr_board="$(password ledger_board)" --set avr_reader="$(password ledger_reader)" <<'SQL'
CREATE ROLE airflow LOGIN PASSWORD :'airflow';
CREATE ROLE celery LOGIN PASSWORD :'celery';
CREATE ROLE avr_owner LOGIN PASSWORD :'avr_owner';
CREATE ROLE avr_worker LOGIN PASSWORD :'avr_worker';
CREATE ROLE avr_board LOGIN PASSWORD :'avr_board';
CREATE ROLE avr_reader LOGIN PASSWORD :'avr_reader';
CREATE DATABASE airflow OWNER airflow;
CREATE DATABASE celery OWNER celery;
CREATE DATABASE ledger OWNER avr_owner;
REVOKE ALL ON DATABASE postgres, template1, airflow, celery, ledger FROM PUBLIC;
GRANT CONNECT ON DATABASE ledger TO avr_worker, avr_board, avr_reader;
-- What is erased is let go of in the server's log too.
GRANT pg_checkpoint TO avr_owner;
\connect ledger
GRANT EXECUTE ON FUNCTION pg_switch_wal() TO avr_owner;
SQL
