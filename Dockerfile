# syntax=docker/dockerfile:1

# Dependencies and the project are installed as locked, in a stage that is thrown away.
FROM python:3.13-slim-bookworm AS build
RUN pip install --no-cache-dir --disable-pip-version-check uv==0.13.9
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never \
    UV_PROJECT_ENVIRONMENT=/opt/gateway
WORKDIR /src
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-default-groups --no-install-project
COPY README.md LICENSE ./
COPY gateway gateway
COPY handlers handlers
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-default-groups --no-editable

FROM python:3.13-slim-bookworm
# The standard library is compiled here, as nobody may write beside it later; and what is left can
# install nothing.
RUN useradd --system --uid 10001 --home-dir /var/lib/gateway --create-home gateway \
    && python -m compileall -q /usr/local/lib/python3.13 \
    && python -m pip uninstall --yes --root-user-action=ignore pip
COPY --from=build /opt/gateway /opt/gateway
# The admin port has to be reachable from outside the container; it is up to you where it is
# published. The database (where it is SQLite), its key ring and temporary files live in the
# volume, so that the root file system can be read-only.
ENV PATH=/opt/gateway/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    SPGW_ADMIN__HOST=0.0.0.0 \
    SPGW_STORE__URL=sqlite:////var/lib/gateway/gateway.db
USER 10001
WORKDIR /var/lib/gateway
VOLUME /var/lib/gateway
EXPOSE 8787
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["python", "-c", \
    "import urllib.request as r; r.urlopen('http://127.0.0.1:8787/healthz', timeout=2)"]
# SIGTERM drains within service.drain_s (25 s); give the container longer than that to stop.
STOPSIGNAL SIGTERM
ENTRYPOINT ["gateway"]
CMD ["run"]
