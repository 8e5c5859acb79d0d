# syntax=docker/dockerfile:1

# The Python that CI tests (.ci/python picks that one), and no tag that moves: what runs tomorrow is
# what was tested today. tests/integration/deployment/test_image.py executes these steps without Docker, and
# the acceptance tests run their processes from what the steps make.
FROM python:3.11.7-slim-bookworm AS build
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
    && test -s build.lock \
    && /opt/build/bin/pip install --require-hashes --requirement build.lock
COPY pyproject.toml README.md LICENSE ./
COPY client client
COPY config config
COPY worker worker
COPY tasks tasks
# Our distributions, each a folder of its own but the worker's: pinned to each other, installed
# together and never looked for at an index.
RUN for project in */pyproject.toml pyproject.toml; do \
        /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /dist \
            "./$(dirname "$project")" || exit 1; \
    done \
    && /opt/uprid/bin/pip install --no-deps /dist/*.whl

FROM python:3.11.7-slim-bookworm
LABEL org.opencontainers.image.title="uprid-worker" \
      org.opencontainers.image.description="Drives identifications at Russian payment providers to exactly one result" \
      org.opencontainers.image.version="0.2.0" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="docker.io/library/python:3.11.7-slim-bookworm"
ENV PATH=/opt/uprid/bin:$PATH PYTHONUNBUFFERED=1
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/uprid uprid
COPY LICENSE /usr/share/doc/uprid-worker/LICENSE
COPY --from=build /opt/uprid /opt/uprid
USER 10001
WORKDIR /var/lib/uprid
# SIGTERM is the warm shutdown: chunks in hand are finished or given back.
STOPSIGNAL SIGTERM
# No HEALTHCHECK: a probe that joins the broker as a Celery client takes part in redelivery, and a
# worker's own sign of life is its heartbeat in the database, which `uprid doctor` reads.
CMD ["uprid", "--help"]
