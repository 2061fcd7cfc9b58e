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

"""A session of a BMC that pyghmi serves, which outlives messages out of turn."""

from typing import Any

from pyghmi.ipmi.private import serversession
from virtualbmc import log

LOG = log.get_logger()


class Session(serversession.ServerSession):
    """A client's session, whose handshake no message out of turn ends with the BMC.

    A client that was answered late sends its first messages again, and pyghmi begins
    anew: the client's next message, or anybody's, finds nothing of what went before,
    and what that raises would end the BMC's process. It is dropped, and the client
    tries again.
    """

    def _handle_ipmi_packet(self, *packet: Any, **where: Any) -> Any:
        try:
            return super()._handle_ipmi_packet(*packet, **where)
        except Exception as error:
            # Set by the handshake's last message: from then on it is our own fault.
            if hasattr(self, "localsid"):
                raise
            LOG.info("A message of %s out of turn: %s; dropped", self.sockaddr, error)
