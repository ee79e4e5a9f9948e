// Broken rules go to the driver, which notes the cycle and goes on.
import "DPI-C" function void nf_broken(input int rule);
`define NF_BROKEN(rule, text) nf_broken(rule)
