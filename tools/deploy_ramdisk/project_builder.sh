#!/usr/bin/env bash
# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

# Build the deploy kernel and ramdisk with the Ironic project's own builder,
# ironic-python-agent-builder, which drives diskimage-builder.
#
# Sourced by build_deploy_ramdisk.sh, which has fail, PART, INGREDIENTS, CONSTRAINTS
# and debian_sources. Needs debootstrap, kpartx, qemu-img and sudo.
#
# That builder normally clones the agent and the constraints from git. Here both are
# archives: the agent's source release from PyPI; this repository's constraints, with
# the wheels of all that the agent depends on.

# The variables that diskimage-builder reads are exported.
# shellcheck disable=SC2034

PROJECT_DISTRIBUTION=debian-minimal

function check_project_builder {
    local tool
    for tool in debootstrap kpartx qemu-img sudo; do
        [[ -n $(type -P "$tool") ]] ||
            fail "--builder project needs $tool, found none: apt-get install debootstrap kpartx qemu-utils sudo"
    done
}

function install_project_builder { # <environment>
    uv venv --quiet --python "$PYTHON" "$1"
    uv pip install --quiet --python "$1/bin/python" \
        --requirement "$INGREDIENTS/project_builder.txt"
}

# The agent's source release, and the wheels of it and its dependencies, from PyPI.
function fetch_agent { # <directory> <environment of the builder>
    local pip=(python -m pip --quiet --disable-pip-version-check) named
    AGENT_VERSION=$(sed -n 's/^ironic-python-agent==//p' "$CONSTRAINTS")
    "${pip[@]}" download --no-deps --no-binary ironic-python-agent \
        --dest "$1" "ironic-python-agent==$AGENT_VERSION"
    mkdir --parents "$1/requirements/wheels"
    # glean configures the ramdisk's network; the others build or install packages.
    "${pip[@]}" download --dest "$1/requirements/wheels" --constraint "$CONSTRAINTS" \
        "ironic-python-agent==$AGENT_VERSION" glean pbr pip setuptools wheel
    # The builder requires a certain pip release where Debian's is older.
    named=$(find "$2/share/ironic-python-agent-builder" -type f \
        -exec sed --quiet 's/^REQUIRED_PIP_STR="\(.*\)"$/\1/p' {} +)
    if [[ $named ]]; then
        "${pip[@]}" download --no-deps --dest "$1/requirements/wheels" "pip==$named"
    fi
    # The constraints would constrain the local source as well, by its name.
    grep --invert-match '^ironic-python-agent==' "$CONSTRAINTS" \
        >"$1/requirements/upper-constraints.txt"
    tar --create --gzip --file "$1/requirements.tar.gz" --directory "$1" requirements
}

# A diskimage-builder element with one file: pip in the ramdisk's root uses no index.
function write_offline_element { # <elements>
    mkdir --parents "$1/offline-pip/environment.d"
    cat >"$1/offline-pip/environment.d/10-pip" <<END
export PIP_NO_INDEX=1
export PIP_FIND_LINKS=/tmp/requirements/wheels
END
}

function mirror_of { # <suite>
    debian_sources | awk -v suite="$1" '$(NF - 1) == suite { sub("/$", "", $(NF - 2)); print $(NF - 2); exit }'
}

function choose_sources { # <directory> <release>
    local security
    export DIB_REPOTYPE_ironic_python_agent=tar
    export DIB_REPOLOCATION_ironic_python_agent=file://$1/ironic_python_agent-$AGENT_VERSION.tar.gz
    export DIB_REPOREF_ironic_python_agent=ironic_python_agent-$AGENT_VERSION
    export DIB_REPOTYPE_requirements=tar
    export DIB_REPOLOCATION_requirements=file://$1/requirements.tar.gz
    export DIB_REPOREF_requirements=requirements
    # Not cloned: pip installs glean's release.
    export DIB_INSTALLTYPE_glean=package
    DIB_DISTRIBUTION_MIRROR=$(mirror_of "$2")
    security=$(mirror_of "$2-security")
    DIB_DEBIAN_SECURITY_MIRROR=${security:-$DIB_DISTRIBUTION_MIRROR}
    export DIB_DISTRIBUTION_MIRROR DIB_DEBIAN_SECURITY_MIRROR
}

function build_by_project { # <build directory>
    local release sources=$PART/sources log=$PART/builder.log
    # shellcheck disable=SC1091 # of the host
    release=$(. /etc/os-release && echo "$VERSION_CODENAME")
    mkdir "$PART/build" "$PART/out" "$PART/tmp" "$sources"
    install_project_builder "$PART/builder"
    fetch_agent "$sources" "$PART/builder"
    write_offline_element "$PART/elements"
    (
        # They are for this host's pip; the element configures pip in the ramdisk's root.
        unset PIP_FIND_LINKS PIP_CERT PIP_CONSTRAINT PIP_INDEX_URL PIP_EXTRA_INDEX_URL
        choose_sources "$sources" "$release"
        export DIB_IMAGE_CACHE=$PART/cache TMP_DIR=$PART/tmp DIB_NO_TMPFS=1
        PATH=$PART/builder/bin:$PATH
        # The builder's checksums fail if the output path has a directory.
        cd "$PART/out"
        # If this is killed, its mounts go away with the namespace.
        unshare --mount ironic-python-agent-builder --release "$release" \
            --elements-path "$PART/elements" --element offline-pip \
            --output ipa "$PROJECT_DISTRIBUTION"
    ) >"$log" 2>&1 || {
        tail -n 15 "$log" | printable >&2
        fail "ironic-python-agent-builder failed (the end of its log is above)"
    }
    mv "$PART/out/ipa.kernel" "$PART/build/kernel"
    mv "$PART/out/ipa.initramfs" "$PART/build/ramdisk"
}
