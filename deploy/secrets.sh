#!/bin/sh
# Writes what nobody may guess to the files that docker-compose.yml names under `secrets:`. What is there stays as it is.
# `deploy/secrets.sh [FOLDER]`; the folder is open to its owner alone, so that its files can be read by each container's
# user and by nobody else.
set -eu
folder=${1:-secrets}
umask 077
mkdir -p "$folder"

random() { # COUNT of bytes
  head -c "$1" /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n='
}

keep() { # FILE CONTENT
  [ -e "$folder/$1" ] && return
  printf '%s' "$2" >"$folder/.$1"
  chmod 0444 "$folder/.$1"
  mv "$folder/.$1" "$folder/$1"
}

keep postgres_password "$(random 24)"
keep airflow_db "postgresql+psycopg://airflow:$(random 24)@postgres:5432/airflow"
keep celery_results "db+postgresql+psycopg://celery:$(random 24)@postgres:5432/celery"
for user in owner worker board reader; do
  keep "ledger_$user" "postgresql+psycopg://avr_$user:$(random 24)@postgres:5432/ledger"
done
keep broker "redis://:$(random 24)@valkey:6379/0"
keep fernet_key "$(random 32)="
keep api_secret_key "$(random 32)"
keep jwt_secret "$(random 64)"
keep connections.yaml '{}'
