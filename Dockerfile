# customer-sync in a container: slim, without root, the same packages at every build.
#
#   docker build -t customer-sync .
#   docker run --rm -e BREVO_API_KEY -v customer-sync:/var/lib/customer-sync \
#     -v "$PWD/config.yaml:/etc/customer-sync/config.yaml:ro" -v "$PWD/exports:/exports:ro" \
#     customer-sync run /exports --config /etc/customer-sync/config.yaml --state /var/lib/customer-sync

FROM python:3.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY docs/customer-sync.1 docs/
COPY customer_sync customer_sync
# constraints.txt also lists what building and testing need. A first installation, of the versions in
# it, tells which packages are needed to run; the second takes just these, held to their hashes.
RUN sed -e '/^ *--hash/d' -e 's/ *\\$//' constraints.txt > versions.txt \
 && python -m venv /trial \
 && PIP_CONSTRAINT=/src/versions.txt /trial/bin/pip install --quiet ".[adobe,notify,otel,report,serve,zstd]" \
 && /trial/bin/pip freeze --exclude customer-sync | sed 's/==.*//' \
    | tr 'A-Z_.' 'a-z--' > names.txt \
 && awk 'NR == FNR { wanted[$1]; next } \
         /^[a-z0-9]/ { split($1, name, "=="); taken = name[1] in wanted } taken' \
    names.txt constraints.txt > needed.txt \
 && PIP_CONSTRAINT=/src/versions.txt /trial/bin/pip wheel --quiet --no-deps --wheel-dir /wheels . \
 && python -m venv /opt/customer-sync \
 && /opt/customer-sync/bin/pip install --quiet --require-hashes --no-deps -r needed.txt \
 && /opt/customer-sync/bin/pip install --quiet --no-deps /wheels/*.whl \
 && /opt/customer-sync/bin/pip check \
 && /opt/customer-sync/bin/pip uninstall --quiet --yes pip

FROM python:3.13-slim-bookworm
RUN groupadd --system --gid 10001 customer-sync \
 && useradd --system --uid 10001 --gid 10001 --home-dir /var/lib/customer-sync --no-create-home customer-sync \
 && install -d -o 10001 -g 10001 -m 0700 /var/lib/customer-sync
COPY --from=build /opt/customer-sync /opt/customer-sync
ENV PATH=/opt/customer-sync/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /var/lib/customer-sync
# Who said no is remembered here, and the retry queue: keep it.
VOLUME /var/lib/customer-sync
HEALTHCHECK --interval=5m --timeout=30s --start-period=30m --retries=2 \
  CMD ["customer-sync", "status", "--config", "/etc/customer-sync/config.yaml", "--state", "/var/lib/customer-sync", "--since", "24h", "--fail-if", "success_rate<0.99"]
ENTRYPOINT ["customer-sync"]
CMD ["--help"]
