# Read by the other scripts (`. scripts/_venv.sh`), with $root set to the repository.
# Offers: note, fail, apt_install, make_venv. Plain POSIX sh; needs nothing but Python >= 3.11.

venv=$root/.venv

note() { printf '%s\n' "$*" >&2; }

fail() {
    note "$*"
    exit 1
}

# Whether Debian's packages can be installed from here.
may_apt() { [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] && command -v apt-get >/dev/null; }

# Installs Debian packages without starting the daemons that come with them.
# Usage: apt_install PACKAGE...; ends with a status other than 0 when it cannot.
apt_install() {
    note "Installing Debian packages: $*"
    DEBIAN_FRONTEND=noninteractive
    export DEBIAN_FRONTEND
    policy=/usr/sbin/policy-rc.d
    ours=
    if [ ! -e $policy ]; then
        ours=yes
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod 755 $policy
    fi
    log=$(mktemp)
    status=1
    # The lists may be old or empty: try, refresh them, try again.
    for refresh in no yes; do
        if [ $refresh = yes ]; then
            apt-get -q -o DPkg::Lock::Timeout=300 update >>"$log" 2>&1 || true
        fi
        if apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@" \
            >>"$log" 2>&1 </dev/null; then
            status=0
            break
        fi
    done
    [ $status = 0 ] || tail -5 "$log" >&2
    rm -f "$log"
    [ -z "$ours" ] || rm -f $policy
    return $status
}

# Prints a Python that is new enough. A name on PATH alone proves nothing: it may be a
# version switcher's stand-in, so each is asked.
find_python() {
    for name in ${MUSTER_PYTHON:-python3.13 python3.12 python3.11 python3 python3.14 python}; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            "$name" -c 'import sys; print(sys.executable)'
            return 0
        fi
    done
    return 1
}

# make_venv REQUIREMENTS...: an own .venv that holds what these files pin, by hash and from
# wheels only (no compiler). A file that is the one of last time costs nothing; when one has
# changed, the environment is made anew, so that nothing of before stays in it.
make_venv() {
    "$venv/bin/python" -c '' >/dev/null 2>&1 || new_venv
    for file in "$@"; do
        [ ! -e "$venv/installed/$file" ] || cmp -s "$root/$file" "$venv/installed/$file" || new_venv
    done
    count=$#
    while [ $count -gt 0 ]; do
        cmp -s "$root/$1" "$venv/installed/$1" || set -- "$@" -r "$root/$1"
        shift
        count=$((count - 1))
    done
    [ $# -gt 0 ] || return 0
    note "Installing packages (once per change of the requirements) ..."
    # Never into the Python below, should the environment vanish at this moment.
    PIP_REQUIRE_VIRTUALENV=1 "$venv/bin/python" -m pip install \
        --quiet --disable-pip-version-check --no-input --only-binary :all: --require-hashes "$@" >&2 ||
        fail "The packages could not be installed: see the lines above."
    mkdir -p "$venv/installed"
    while [ $# -gt 0 ]; do
        cp "$2" "$venv/installed/"
        shift 2
    done
}

new_venv() {
    python=$(find_python) ||
        fail "Muster needs Python 3.11 or newer on PATH (MUSTER_PYTHON names another)."
    if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        { may_apt && apt_install "$package"; } ||
            fail "$python cannot make virtual environments." \
                "On Debian or Ubuntu: apt-get install $package"
    fi
    note "Making .venv with $python"
    rm -rf "$venv"
    "$python" -m venv "$venv" || fail "The environment could not be made in $venv."
}
