# syntax=docker/dockerfile:1

FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/uprid
# What is depended on changes seldom: a layer of its own.
COPY requirements.lock ./
RUN /opt/uprid/bin/pip install --require-hashes --requirement requirements.lock
# The build backend is locked too, with the tools of development.
COPY requirements-dev.lock ./
RUN python -m venv /opt/build \
    && sed -n '/^setuptools==/,/[^\\]$/p' requirements-dev.lock > build.lock \
    && /opt/build/bin/pip install --require-hashes --requirement build.lock
COPY pyproject.toml README.md ./
COPY config config
COPY worker worker
COPY tasks tasks
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
    && /opt/uprid/bin/pip install --no-deps /dist/*.whl

FROM python:3.12-slim
ENV PATH=/opt/uprid/bin:$PATH PYTHONUNBUFFERED=1
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/uprid uprid
COPY --from=build /opt/uprid /opt/uprid
USER 10001
WORKDIR /var/lib/uprid
# SIGTERM is the warm shutdown: chunks in hand are finished or given back.
STOPSIGNAL SIGTERM
# No HEALTHCHECK: a probe that joins the broker as a Celery client takes part in redelivery, and a
# worker's own sign of life is its heartbeat in the database, which `uprid doctor` reads.
CMD ["uprid", "--help"]
