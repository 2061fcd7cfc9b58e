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

"""Write what a reviewer reads, from an evidence directory alone.

Writes report.html (one file that asks for nothing from elsewhere), summary.txt and
junit.xml, also for a run that failed; exit code 0 means that they are written. Whether
the run passed is said by ``ironic-sideways verdict``.
"""

import argparse
from pathlib import Path

from ironic_sideways import exceptions, whole_file

HELP = "write report.html, summary.txt and junit.xml from an evidence directory"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, help="the evidence")
    parser.add_argument(
        "--output", type=Path, help="where to write (default: the evidence directory)"
    )


def run(args: argparse.Namespace) -> int:
    from ironic_sideways.report import junit, places, summary, verdict
    from ironic_sideways.report.page import render

    if not args.directory.is_dir():
        raise exceptions.UsageError(f"{args.directory}: expected an evidence directory")
    places.refuse_strange(args.directory)
    output = args.output or args.directory
    judged = verdict.verdict(args.directory)
    way = render.way(output, args.directory)
    files = {
        "report.html": render.render(args.directory, judged, way),
        "summary.txt": summary.summary(args.directory, judged),
        "junit.xml": junit.junit(args.directory, judged),
    }
    try:
        output.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            whole_file.write(output / name, text)
    except OSError as error:
        raise exceptions.SidewaysError(
            f"{error.filename or output}: cannot be written: {error.strerror}"
        ) from error
    page, *others = files
    print(f"{output / page}, with {' and '.join(others)} beside it")
    return 0
