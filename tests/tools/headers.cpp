/* SPDX-License-Identifier: Apache-2.0 */
/* The public headers as a C++ program sees them: they compile alone, their functions link by their C
 * names, and the structs work as values.
 */
#include "stepwell/ledger.h"
#include "stepwell/query.h"
#include "stepwell/version.h"

#include <cstdio>
#include <string>

int main()
{
    sw_step step{};
    if (step.id.ptr || step.total_tokens.known) {
        std::puts("a zeroed struct is not a record of nulls");
        return 1;
    }
    const std::string model = "gpt-4o-mini";
    step.model = sw_str_make(model.data(), model.size());
    step.status = sw_int_of(SW_STEP_STATUS_FAILED);
    if (!sw_str_eq(step.model, sw_str_from("gpt-4o-mini")) || step.status.value != 2) {
        std::puts("a value did not come back");
        return 1;
    }
    if (std::string(sw_version()) != SW_VERSION) {
        std::puts("headers and library are of different versions");
        return 1;
    }
    return 0;
}
