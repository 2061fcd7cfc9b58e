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

"""A fault as a caller of Nova reads it."""

import pytest

from ironic_sideways.proxy import faults


@pytest.mark.parametrize(
    ("error", "status", "title"),
    [
        (faults.BadRequestError, 400, "badRequest"),
        (faults.UnauthorizedError, 401, "unauthorized"),
        (faults.ForbiddenError, 403, "forbidden"),
        (faults.NotFoundError, 404, "itemNotFound"),
        (faults.UnavailableError, 503, "serviceUnavailable"),
    ],
)
def test_a_fault_is_titled_and_worded_as_novas_are(
    error: type[faults.ProxyError], status: int, title: str
) -> None:
    response = error().response()

    assert response.status_int == status
    assert response.content_type == "application/json"
    assert response.json == {title: {"code": status, "message": error.message}}


def test_a_fault_has_its_own_message_and_headers_where_it_is_given_them() -> None:
    error = faults.UnavailableError("no answer: \u00fc", {"Retry-After": "7"})

    response = error.response()

    assert response.json["serviceUnavailable"]["message"] == "no answer: \u00fc"
    assert response.headers["Retry-After"] == "7"
    assert faults.UnavailableError().headers == {}
