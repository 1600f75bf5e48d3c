# The image that docker-compose.yml runs: Airflow and this project, from the hash-pinned requirements, without a compiler.
FROM python:3.11.14-slim-bookworm AS build
WORKDIR /opt/avr
COPY Makefile requirements.txt ./
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --no-install-recommends --yes make && make install

FROM python:3.11.14-slim-bookworm
RUN useradd --uid 50000 --create-home --shell /usr/sbin/nologin avr \
 && install --directory --owner=avr --group=avr --mode=0700 /var/lib/avr /var/lib/airflow /var/log/airflow
WORKDIR /opt/avr
COPY --from=build /opt/avr/.venv .venv
COPY deploy/roles.py deploy/roles.json deploy/webserver_config.py deploy/
COPY plugins plugins
COPY dags dags
COPY include include
ENV PATH=/opt/avr/.venv/bin:$PATH PYTHONPATH=/opt/avr PYTHONUNBUFFERED=1 AIRFLOW_HOME=/var/lib/airflow AVR_DATA=/var/lib/avr
USER 50000:50000
CMD ["airflow", "version"]
