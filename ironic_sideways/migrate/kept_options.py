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

"""What a run chose for a node, as the node's provenance keeps it.

Nodes of several runs may have been moved with different options; ``retire`` judges each
by its own.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from ironic_sideways.migrate import choices
from ironic_sideways.migrate.choices import Options
from ironic_sideways.nova_bm import reader

#: Not what stands in files that are named again, or elsewhere in the provenance.
_RECORDED = tuple(
    field.name
    for field in dataclasses.fields(Options)
    if field.name
    not in ("architectures", "netboot", "bmcs", "vif_macs", "vifs_as_recorded")
)


def recorded(source: reader.Node, options: Options) -> dict[str, Any]:
    """What the run chose for the node, in JSON's types."""
    of_node = dataclasses.replace(
        options,
        node_arch=choices.architecture(source, options),
        capabilities={None: choices.advertised(source, options)},
    )
    plain = Options(options.resource_class, options.owner, capabilities={None: {}})
    kept = {
        name: getattr(of_node, name)
        for name in _RECORDED
        if name in ("resource_class", "owner")
        or getattr(of_node, name) != getattr(plain, name)
    }
    if "capabilities" in kept:
        kept["capabilities"] = dict(of_node.capabilities[None])
    return kept


def restored(kept: Mapping[str, Any], options: Options) -> Options:
    """The options that ``recorded`` kept, with the files of ``options``."""
    known = {name: value for name, value in kept.items() if name in _RECORDED}
    if "capabilities" in known:
        known["capabilities"] = {None: known["capabilities"]}
    plain = Options(options.resource_class, None)
    return dataclasses.replace(
        plain, **known, netboot=options.netboot, bmcs=options.bmcs
    )


def knowing_vifs(options: Options, own: Mapping[str, Any]) -> Options:
    """The options with what the run was told of this node's VIFs, if not told again.

    :param own: the node's provenance, where the mapping keeps it.
    """
    if options.vifs_as_recorded or options.vif_macs is not None:
        return options
    known = {n: own[n] for n in ("vif_macs", "vifs_as_recorded") if n in own}
    return dataclasses.replace(options, **known) if known else options
