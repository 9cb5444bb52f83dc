// SPDX-License-Identifier: Apache-2.0
module tlsclient

go 1.19
