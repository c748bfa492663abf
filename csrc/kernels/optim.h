/* The flags of an optimizer's launch: attribute 0 of the kernels of optim.c. */
#ifndef WG_OPTIM_H
#define WG_OPTIM_H

enum {
    WG_STEP_MAXIMIZE = 1,
    WG_STEP_NESTEROV = 2, WG_STEP_MOMENTUM = 4,           /* sgd; rmsprop has a momentum buffer with WG_STEP_MOMENTUM too */
    WG_STEP_AMSGRAD = 8, WG_STEP_DECOUPLED = 16,          /* adam; nadam and radam may be decoupled too */
    WG_STEP_CENTERED = 32,                                /* rmsprop */
    WG_STEP_TENSORS = 64, WG_STEP_FIRST = 128,
};

#endif
