#!/bin/busybox sh
# shellcheck shell=dash
#
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
#
# The first program of the guest that can be logged in to: the SSH server's script
# beside the guest's own.

# A job in the background reads from /dev/null, and ends where there is none.
/bin/busybox mount -t devtmpfs devtmpfs /dev
sh /etc/ssh.sh &
exec sh /etc/guest-init
