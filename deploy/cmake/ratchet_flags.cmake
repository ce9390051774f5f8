# ratchet_flags.cmake: what every file of this tree is compiled with, and why.

# Results are compared bit for bit: no fast math, and a*b+c is fused only where the code asks for
# it.
add_compile_options(-ffp-contract=off -fno-fast-math)

# Asserts guard the promises; they stay on in every build type. This comes after CMake's own
# -DNDEBUG.
add_compile_options(-UNDEBUG)

add_compile_options(-fvisibility=hidden -fno-common)
add_compile_options($<$<COMPILE_LANGUAGE:C>:-Wall>
    $<$<COMPILE_LANGUAGE:C>:-Wextra>
    $<$<COMPILE_LANGUAGE:C>:-Wconversion>
    $<$<COMPILE_LANGUAGE:C>:-Wshadow>
    $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes>
    $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>)
# The sanitizers' checks in between mislead gcc into warnings that its manual calls false positives;
# the plain builds of both compilers are where warnings are errors.
if(RATCHET_WERROR AND NOT RATCHET_SANITIZE)
    add_compile_options($<$<COMPILE_LANGUAGE:C>:-Werror>)
endif()

# -O3 buys nothing here: the kernels that matter are written for the vector unit by hand.
string(REPLACE "-O3" "-O2" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
string(REPLACE "-g" "-O1 -g" CMAKE_C_FLAGS_DEBUG "${CMAKE_C_FLAGS_DEBUG}")

set(RATCHET_TEST_ENVIRONMENT "")
if(RATCHET_SANITIZE)
    add_compile_options(-fsanitize=${RATCHET_SANITIZE} -fno-sanitize-recover=all
        -fno-omit-frame-pointer -g)
    add_link_options(-fsanitize=${RATCHET_SANITIZE})
    set(suppressions "${PROJECT_SOURCE_DIR}/deploy/cmake")
    list(APPEND RATCHET_TEST_ENVIRONMENT
        "ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1"
        "UBSAN_OPTIONS=print_stacktrace=1"
        "LSAN_OPTIONS=suppressions=${suppressions}/lsan.supp:print_suppressions=0"
        "TSAN_OPTIONS=suppressions=${suppressions}/tsan.supp:ignore_noninstrumented_modules=1")
else()
    # The sanitizers replace these, and warn about the mixture.
    add_compile_options($<$<CONFIG:Release>:-U_FORTIFY_SOURCE>
        $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2>
        $<$<CONFIG:Release>:-fstack-protector-strong>)
    add_link_options($<$<CONFIG:Release>:-Wl,-z,relro,-z,now>)
endif()

if(RATCHET_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR "RATCHET_FUZZ needs clang: configure with -DCMAKE_C_COMPILER=clang")
    endif()
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
