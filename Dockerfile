# The operator's image; with --target simulator the simulator's. `make image` builds it, docs/image.md explains it.
# Any base with Python 3.11 or newer will do whose python3 has venv. Both stages take the same one.
ARG BASE_IMAGE=docker.io/library/python:3.11.14-slim-bookworm

FROM ${BASE_IMAGE} AS build
WORKDIR /build
# Where packages come from is the builder's affair: pip.conf and ca are secrets of the build, and may be missing.
ENV PIP_CONFIG_FILE=/run/secrets/pip.conf PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements/image.txt requirements/tracing.txt requirements/
RUN --mount=type=secret,id=pip.conf --mount=type=secret,id=ca \
    if [ -s /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi \
    && python3 -m venv tools \
    && python3 -m venv --without-pip /opt/nvcf-operator \
    && tools/bin/pip install --quiet --require-hashes --only-binary=:all: --requirement requirements/image.txt \
    && tools/bin/pip --python /opt/nvcf-operator/bin/python install --quiet --no-compile \
        --require-hashes --only-binary=:all: --requirement requirements/tracing.txt
COPY pyproject.toml README.md LICENSE ./
COPY operator operator
# Seconds since 1970: the time of the wheel's files.
ARG SOURCE_DATE_EPOCH
# unchecked-hash: the bytecode is the same in every build, and is taken without a look at the sources.
RUN tools/bin/pip wheel --quiet --no-deps --no-index --no-build-isolation --wheel-dir dist . \
    && tools/bin/pip --python /opt/nvcf-operator/bin/python install --quiet --no-compile --no-deps --no-index dist/*.whl \
    && mkdir /opt/nvcf-operator/share \
    && tools/bin/cyclonedx-py environment --output-reproducible --output-format JSON --pyproject pyproject.toml \
        --output-file /opt/nvcf-operator/share/sbom.cdx.json /opt/nvcf-operator/bin/python \
    && export PYTHONPYCACHEPREFIX=/opt/nvcf-operator/bytecode \
    && python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash -x '/(test|lib2to3|site-packages)/' \
        "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
    && python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/nvcf-operator/lib

# Only for whoever wants the list of packages as a file: --target sbom --output type=local,dest=FOLDER
FROM scratch AS sbom
COPY --from=build /opt/nvcf-operator/share/sbom.cdx.json /

FROM ${BASE_IMAGE} AS both
ARG VERSION=0.1.0
ARG REVISION=
ARG SOURCE=
ARG CREATED=
LABEL org.opencontainers.image.title="nvcf-operator" \
      org.opencontainers.image.description="Kubernetes operator for NVIDIA Cloud Functions deployments" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.created="${CREATED}"
COPY --from=build /opt/nvcf-operator /opt/nvcf-operator
# The bytecode stands in a folder of its own: that of the base's library, too, which some bases leave out.
ENV PATH=/opt/nvcf-operator/bin:$PATH \
    PYTHONPYCACHEPREFIX=/opt/nvcf-operator/bytecode \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /
USER 65532:65532

FROM both AS simulator
ENTRYPOINT ["/opt/nvcf-operator/bin/nvcf-simulator"]

FROM both AS operator
ENTRYPOINT ["/opt/nvcf-operator/bin/nvcf-operator"]
