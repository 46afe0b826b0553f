/* SPDX-License-Identifier: Apache-2.0 */
#include "http/observe.h"
void sw__count_refusal(sw_server *server, sw_refusal why)
{
    (void)server;
    (void)why;
}
void sw__observe_end(sw_exchange *x, bool completed)
{
    (void)x;
    (void)completed;
}
void sw__squeeze_answer(sw_exchange *x)
{
    (void)x;
}
void sw__squeeze_piece(sw_exchange *x, sw_fill more)
{
    (void)more;
    x->bytes = sw_buf_str(&x->out);
}
void sw__squeeze_free(sw_exchange *x)
{
    (void)x;
}
