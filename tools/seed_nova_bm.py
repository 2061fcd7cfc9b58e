#!/usr/bin/env python3
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

"""Fill nova_bm with one row per libvirt machine, as an administrator did in 2014.

Creates the schema (version 10) in an empty database, then writes for each
libvirt domain a bm_nodes row, with the domain's uuid, and a bm_interfaces row
per network card. Machines are read through libvirt, BMC addresses and
credentials from virtualbmc's own configuration directory.

With --rows it loads rows that a real nova-baremetal wrote instead, and adapts them to
this host: each row gets the BMC and MAC addresses of the domain with the row's uuid,
rows without a domain are left out, and --in-place replaces the uuids of instances and
VIFs, and directories.

A second run changes nothing. The rows of free nodes are updated from their machine (a
new BMC password, a new MAC); rows that hold an instance are left alone and named.
"""

import argparse
import itertools
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import libvirt
import sqlalchemy as sa

from ironic_sideways import exceptions
from ironic_sideways.hardware import bmc, machines
from ironic_sideways.nova_bm import database, rows_file, schema, seed

EPILOG = """\
examples:
  seed_nova_bm.py --nova-bm-db @/etc/nova_bm.url --libvirt-uri qemu:///system \\
      --vbmc-config ~/.vbmc --service-host $(hostname)
  seed_nova_bm.py --nova-bm-db '$NOVA_BM_URL' ... --domain node-0 node-1
  seed_nova_bm.py ... --rows rows.sql --in-place /tftpboot=/srv/tftp

refused, with nothing changed: a database with tables that are not nova_bm's, a
domain without a BMC, two BMCs with the same address, a BMC on a port other than 623
(nova_bm has no column for it), a MAC or BMC that a row of another node has; with
--rows a nova_bm that has rows, or a domain that is in no row.

exit codes:
  0  done
  1  refused or failed, nothing changed
  2  bad usage
"""


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="seed_nova_bm.py",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--nova-bm-db",
        "-b",
        required=True,
        metavar="URL|@FILE|$ENV",
        help="the nova_bm database: a URL, a file or an environment variable that "
        "holds one (so that the password stays out of the process list)",
    )
    parser.add_argument(
        "--libvirt-uri",
        default="qemu:///system",
        metavar="URI",
        help="where the machines are (default: %(default)s)",
    )
    parser.add_argument(
        "--machines",
        type=Path,
        metavar="FILE",
        help="a light lab's machines.json, instead of libvirt",
    )
    parser.add_argument(
        "--vbmc-config",
        required=True,
        type=Path,
        metavar="DIR",
        help="virtualbmc's config_dir: one directory per domain with a file 'config'",
    )
    parser.add_argument(
        "--service-host",
        nargs="+",
        required=True,
        metavar="HOST",
        help="CONF.host of the nova-compute that owns the nodes; of several, each gets "
        "a node in turn",
    )
    parser.add_argument(
        "--domain",
        nargs="+",
        metavar="NAME",
        help="only these domains (default: all of libvirt's)",
    )
    parser.add_argument(
        "--rows",
        type=Path,
        metavar="FILE",
        help="INSERTs into bm_nodes and bm_interfaces, as nova-baremetal wrote them",
    )
    parser.add_argument(
        "--in-place",
        nargs="+",
        default=[],
        metavar="OLD=NEW",
        help="with --rows: replace OLD, the uuid of an instance or a VIF or a "
        "directory, with NEW",
    )
    return parser


def in_place(words: Iterable[str]) -> dict[str, str]:
    """The values of ``--in-place``.

    :raises UsageError: one is not OLD=NEW.
    """
    pairs = [word.partition("=") for word in words]
    for old, equals, new in pairs:
        if not (old and new):
            raise exceptions.UsageError(
                f"--in-place {old}{equals}{new}: expected OLD=NEW"
            )
    return {old: new for old, _equals, new in pairs}


def read_bmc(name: str, vbmc_config: Path) -> dict[str, Any]:
    """The fields of seed.Machine that tell of the BMC of the domain ``name``.

    :raises SidewaysError: no BMC, or its configuration cannot be read.
    """
    path = vbmc_config / name / "config"
    if not path.exists():
        raise exceptions.SidewaysError(
            f"domain {name}: has no BMC (no {path}); add one with "
            f"'vbmc add {name} --address ADDRESS --port {seed.BMC_PORT}'"
        )
    known = bmc.read(path).bmc
    return {
        "bmc_address": known.address,
        "bmc_port": known.port,
        "bmc_user": known.username,
        "bmc_password": known.password,
    }


def read_machine(
    domain: "libvirt.virDomain", vbmc_config: Path, service_host: str
) -> seed.Machine:
    """A libvirt domain and its BMC as one machine.

    :raises SidewaysError: no BMC, a file of its that cannot be read, or no disk.
    """
    name = domain.name()
    place = read_bmc(name, vbmc_config)
    root = ET.fromstring(domain.XMLDesc())  # noqa: S314 - libvirt's own XML
    disk = root.find("./devices/disk[@device='disk']/target")
    if disk is None:
        raise exceptions.SidewaysError(f"domain {name}: has no disk")
    _state, memory_kib, _current, cpus, _time = domain.info()
    return seed.Machine(
        name=name,
        uuid=domain.UUIDString(),
        cpus=cpus,
        memory_mb=memory_kib // 1024,
        disk_gb=domain.blockInfo(disk.attrib["dev"])[0] // 2**30,
        macs=tuple(
            mac.attrib["address"] for mac in root.iterfind("./devices/interface/mac")
        ),
        service_host=service_host,
        **place,
    )


def read_light(
    path: Path, vbmc_config: Path, names: Iterable[str] | None, hosts: Iterable[str]
) -> list[seed.Machine]:
    """The machines of ``names``, or all of a light lab's machines.json.

    :param hosts: own them, each host one in turn.
    :raises SidewaysError: it cannot be read, or one has no BMC.
    """
    known = machines.read(path)
    if names is not None:
        wanted = set(names)
        known = [one for one in known if one.name in wanted]
    return [
        seed.Machine(
            name=one.name,
            uuid=one.uuid,
            cpus=one.vcpus,
            memory_mb=one.memory_mb,
            disk_gb=one.disk_gb,
            macs=one.macs,
            service_host=host,
            **read_bmc(one.name, vbmc_config),
        )
        for one, host in zip(known, itertools.cycle(hosts), strict=False)
    ]


def read_machines(
    uri: str, vbmc_config: Path, names: Iterable[str] | None, hosts: Iterable[str]
) -> list[seed.Machine]:
    """The machines with these names, in this order, or all of libvirt's, by name.

    :param hosts: own them, each host one in turn.
    :raises SidewaysError: libvirt is not reachable or has no such domain.
    """
    # libvirt's default handler prints each error to stderr, before ours.
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    try:
        connection = libvirt.open(uri)
        try:
            if names is None:
                domains = connection.listAllDomains()
                domains.sort(key=libvirt.virDomain.name)
            else:
                domains = [connection.lookupByName(name) for name in names]
            found = [
                read_machine(domain, vbmc_config, host)
                for domain, host in zip(domains, itertools.cycle(hosts), strict=False)
            ]
        finally:
            connection.close()
    except libvirt.libvirtError as error:
        raise exceptions.SidewaysError(f"libvirt at {uri}: {error}") from error
    if not found:
        raise exceptions.SidewaysError(f"libvirt at {uri}: no domains, nothing to seed")
    return found


def run(arguments: argparse.Namespace) -> None:
    """Read the machines, write the rows, say what happened."""
    url = database.option_url(arguments.nova_bm_db, "--nova-bm-db")
    where = arguments.vbmc_config, arguments.domain, arguments.service_host
    if arguments.machines:
        found = read_light(arguments.machines, *where)
    else:
        found = read_machines(arguments.libvirt_uri, *where)
    seed.check(found)
    others = in_place(arguments.in_place)
    if others and not arguments.rows:
        raise exceptions.UsageError("--in-place: expected --rows FILE as well")
    with database.connect(database.engine(url)) as connection:
        created = schema.ensure(connection)
        if arguments.rows:
            # The tables stay even if this fails: MariaDB commits DDL at once.
            connection.commit()
            rows_file.load(connection, arguments.rows)
            left_out = rows_file.put_in_place(connection, found, others)
            connection.commit()
            print(
                f"{url.database}: {len(found)} rows of {arguments.rows} added, "
                f"{len(left_out)} without a domain left out"
            )
            return
        outcome = seed.seed(connection, found)
        connection.commit()
    if created:
        print(f"{url.database}: schema created at version {schema.VERSION}")
    for name in outcome.in_use:
        print(f"{name}: its row differs but holds an instance, left unchanged")
    print(
        f"{url.database}: {len(outcome.added)} rows added, "
        f"{len(outcome.updated)} updated, {len(outcome.unchanged)} unchanged, "
        f"{len(outcome.in_use)} in use and left unchanged"
    )


def main(words: Sequence[str] | None = None) -> int:
    """The program; an expected error becomes one line and its exit code."""
    arguments = build_parser().parse_args(words)
    try:
        run(arguments)
    except exceptions.SidewaysError as error:
        print(f"seed_nova_bm: {error}", file=sys.stderr)
        return error.exit_code
    except sa.exc.DBAPIError as error:
        print(f"seed_nova_bm: {database.driver_text(error)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
