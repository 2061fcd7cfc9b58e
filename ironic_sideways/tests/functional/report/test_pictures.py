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

"""The pictures of the reviewer's guide are of the page as it is."""

from ironic_sideways.tests.functional.report import pictures


def test_the_pictures_of_the_guide_are_of_this_page():
    made_of = (pictures.DIRECTORY / pictures.MADE_OF).read_text().strip()

    assert made_of == pictures.digest(), (
        "the page's templates changed: make the pictures again by "
        "python -m ironic_sideways.tests.functional.report.pictures"
    )
    for name in pictures.PICTURES:
        assert 10_000 < (pictures.DIRECTORY / name).stat().st_size < 200_000
