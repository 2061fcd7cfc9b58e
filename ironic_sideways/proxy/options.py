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

"""Settings of the proxy: the group ``[baremetal_proxy]`` of nova.conf.

Connection settings (cafile, insecure, timeout, endpoint_override, region_name,
valid_interfaces, service_type, ...) have keystoneauth's names and meanings, as
in every other group of nova.conf that names a service.
"""

from keystoneauth1 import loading
from oslo_config import cfg

GROUP = "baremetal_proxy"

OPTIONS = [
    cfg.StrOpt(
        "api_microversion",
        default="1.8",
        help="Microversion of Ironic's API to ask for. 1.8 is the first that can "
        "name the fields to return; no newer field is needed.",
    ),
    cfg.IntOpt(
        "page_size",
        default=1000,
        min=1,
        help="Nodes or ports asked of Ironic in one call. Ironic gives fewer "
        "where its own [api] max_limit is lower.",
    ),
    cfg.IntOpt(
        "deadline",
        default=60,
        min=1,
        help="Seconds for an answer, all that is asked of Ironic for it included. "
        "'timeout' is for one read alone.",
    ),
    cfg.IntOpt(
        "max_pages",
        default=2000,
        min=2,
        help="Pages of nodes and ports asked of Ironic for one answer.",
    ),
    cfg.IntOpt(
        "max_bytes",
        default=256 * 1024 * 1024,
        min=1024,
        help="Bytes that are read of Ironic for one answer, all pages together.",
    ),
    cfg.IntOpt(
        "retry_after",
        default=10,
        min=1,
        help="Seconds after which a client is told to try again when Ironic "
        "cannot answer.",
    ),
]

#: Of keystoneauth's options of an adapter, those that say where Ironic is.
WHERE = (
    "service_type",
    "service_name",
    "valid_interfaces",
    "region_name",
    "endpoint_override",
)


def _where() -> list[cfg.Opt]:
    known = loading.get_adapter_conf_options(include_deprecated=False)
    return [option for option in known if option.dest in WHERE]


def register(conf: cfg.ConfigOpts) -> None:
    """Register the group on ``conf``; a second call changes nothing."""
    conf.register_opts([*OPTIONS, *_where()], group=GROUP)
    loading.register_session_conf_options(conf, GROUP)
    conf.set_default("timeout", 30, group=GROUP)
    conf.set_default("service_type", "baremetal", group=GROUP)
    conf.set_default("valid_interfaces", ["internal", "public"], group=GROUP)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """All options with their group, for oslo-config-generator."""
    return [
        (
            GROUP,
            [
                *OPTIONS,
                *loading.get_session_conf_options(),
                *_where(),
            ],
        )
    ]
