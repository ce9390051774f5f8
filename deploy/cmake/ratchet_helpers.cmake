# ratchet_helpers.cmake: the few one-liners that every CMakeLists.txt of this tree is made of.
#
# A folder is a library. Its sources are whatever .c files lie in it, found again at every build
# (CONFIGURE_DEPENDS), so that adding a file needs no edit here. A folder that has no sources yet
# becomes an empty interface target: what links to it still configures.

# ratchet_library(NAME [GLOB pattern...] [EXCLUDE regex] [LINK target...])
#
# A static library of the .c files of the calling folder that match GLOB (default: *.c) and not
# EXCLUDE. LINK is public: who uses the library also gets what it is made from.
function(ratchet_library name)
    cmake_parse_arguments(arg "" "EXCLUDE" "GLOB;LINK" ${ARGN})
    ratchet_sources(sources GLOB ${arg_GLOB} EXCLUDE "${arg_EXCLUDE}")
    if(sources)
        add_library(${name} STATIC ${sources})
        target_link_libraries(${name} PUBLIC ${arg_LINK})
    else()
        add_library(${name} INTERFACE)
        target_link_libraries(${name} INTERFACE ${arg_LINK})
    endif()
endfunction()

# ratchet_program(NAME [GLOB pattern...] [EXCLUDE regex] [LINK target...])
#
# An executable that lands directly in the build folder; nothing while there is no source. The
# target `programs` builds them all.
function(ratchet_program name)
    cmake_parse_arguments(arg "" "EXCLUDE" "GLOB;LINK" ${ARGN})
    ratchet_sources(sources GLOB ${arg_GLOB} EXCLUDE "${arg_EXCLUDE}")
    if(NOT sources)
        message(STATUS "${name}: no sources yet, not built")
        return()
    endif()
    add_executable(${name} ${sources})
    target_link_libraries(${name} PRIVATE ${arg_LINK})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
    add_dependencies(programs ${name})
endfunction()

# ratchet_sources(OUT [GLOB pattern...] [EXCLUDE regex]): the sources of the calling folder.
function(ratchet_sources out)
    cmake_parse_arguments(arg "" "EXCLUDE" "GLOB" ${ARGN})
    if(NOT arg_GLOB)
        set(arg_GLOB "*.c")
    endif()
    list(TRANSFORM arg_GLOB PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
    file(GLOB sources CONFIGURE_DEPENDS ${arg_GLOB})
    if(arg_EXCLUDE)
        list(FILTER sources EXCLUDE REGEX "${arg_EXCLUDE}")
    endif()
    set(${out} ${sources} PARENT_SCOPE)
endfunction()

# ratchet_folder(FOLDER): add_subdirectory, or nothing while the folder has no CMakeLists.txt. The
# build notices when one appears.
function(ratchet_folder folder)
    file(GLOB lists CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt")
    if(lists)
        add_subdirectory(${folder})
    endif()
endfunction()

# ratchet_generated(FILE...): code that a generator wrote is not held to our warnings.
function(ratchet_generated)
    set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS "-w")
endfunction()

# ratchet_test(NAME LABELS label... [TIMEOUT seconds] COMMAND command...)
#
# A ctest entry with the sanitizers' settings, a timeout and the exit code 77 for "skipped, and the
# output says why". The timeout, two minutes if not given, is for what hangs: seconds of arithmetic
# may be a minute where others load the machine, and minutes under sanitizers.
function(ratchet_test name)
    cmake_parse_arguments(arg "" "TIMEOUT" "LABELS;COMMAND" ${ARGN})
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
        if(RATCHET_SANITIZE)
            set(arg_TIMEOUT 300)
        endif()
    endif()
    add_test(NAME ${name} COMMAND ${arg_COMMAND})
    set_tests_properties(${name} PROPERTIES
        LABELS "${arg_LABELS}"
        TIMEOUT ${arg_TIMEOUT}
        SKIP_RETURN_CODE 77
        ENVIRONMENT "${RATCHET_TEST_ENVIRONMENT}")
endfunction()

# ratchet_unit_tests(FOLDER target...)
#
# Each tests/unit/FOLDER/test_X.c becomes the program test_FOLDER_X (slashes become underscores) and
# the ctest entry unit/FOLDER/X. Other .c files of that folder are shared by its tests. In a
# test_allocation.c the allocator is the test's own: it defines __wrap_malloc and its relatives.
set(RATCHET_WRAP_ALLOCATION
    -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc)
function(ratchet_unit_tests folder)
    set(here "${PROJECT_SOURCE_DIR}/tests/unit/${folder}")
    file(GLOB sources CONFIGURE_DEPENDS "${here}/*.c")
    set(tests ${sources})
    list(FILTER tests INCLUDE REGEX "/test_[^/]*\\.c$")
    if(NOT tests OR NOT TARGET PkgConfig::cmocka)
        return()
    endif()
    string(REPLACE "/" "_" prefix "${folder}")
    set(libraries ${ARGN})
    list(REMOVE_ITEM sources ${tests})
    if(sources)
        add_library(test_support_${prefix} STATIC ${sources})
        target_link_libraries(test_support_${prefix} PUBLIC ${libraries} PkgConfig::cmocka)
        list(PREPEND libraries test_support_${prefix})
    endif()
    foreach(source IN LISTS tests)
        get_filename_component(stem "${source}" NAME_WE)
        string(REGEX REPLACE "^test_" "" module "${stem}")
        add_executable(test_${prefix}_${module} "${source}")
        target_link_libraries(test_${prefix}_${module} PRIVATE ${libraries} PkgConfig::cmocka m)
        set_target_properties(test_${prefix}_${module} PROPERTIES
            RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests/unit")
        if(module STREQUAL "allocation")
            target_link_options(test_${prefix}_${module} PRIVATE ${RATCHET_WRAP_ALLOCATION})
        endif()
        ratchet_test(unit/${folder}/${module} LABELS unit COMMAND test_${prefix}_${module})
    endforeach()
endfunction()

# ratchet_fuzz_tests(target...)
#
# Each tests/fuzz/fuzz_X.c holds LLVMFuzzerTestOneInput; its corpus is tests/fuzz/corpus/X. The
# corpus is always replayed as a regression test (label fuzz). With RATCHET_FUZZ the same program
# also searches on for RATCHET_FUZZ_SECONDS (labels fuzz and slow); what it finds stays in the build
# folder.
function(ratchet_fuzz_tests)
    set(here "${PROJECT_SOURCE_DIR}/tests/fuzz")
    file(GLOB sources CONFIGURE_DEPENDS "${here}/fuzz_*.c")
    foreach(source IN LISTS sources)
        get_filename_component(program "${source}" NAME_WE)
        string(REGEX REPLACE "^fuzz_" "" subject "${program}")
        set(corpus "${here}/corpus/${subject}")
        file(GLOB seeds CONFIGURE_DEPENDS "${corpus}/*")
        add_executable(${program} "${source}")
        target_link_libraries(${program} PRIVATE ${ARGN})
        set_target_properties(${program} PROPERTIES
            RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests/fuzz")
        set(options "")
        if(RATCHET_FUZZ)
            target_link_options(${program} PRIVATE -fsanitize=fuzzer)
            set(options -error_exitcode=1) # libFuzzer says 77, which is our word for skipped
        else()
            target_sources(${program} PRIVATE "${here}/replay_corpus.c")
        endif()
        if(seeds)
            ratchet_test(fuzz/${subject} LABELS fuzz COMMAND ${program} ${options} ${seeds})
        endif()
        if(RATCHET_FUZZ)
            ratchet_fuzz_search(${program} ${subject} "${corpus}")
        endif()
    endforeach()
endfunction()

function(ratchet_fuzz_search program subject corpus)
    set(found "${CMAKE_BINARY_DIR}/fuzz/${subject}")
    file(MAKE_DIRECTORY "${found}")
    set(folders "${found}/")
    if(EXISTS "${corpus}")
        list(APPEND folders "${corpus}/")
    endif()
    math(EXPR patience "${RATCHET_FUZZ_SECONDS} + 60")
    ratchet_test(fuzz_search/${subject} LABELS fuzz slow TIMEOUT ${patience}
        COMMAND ${program} -error_exitcode=1 -max_total_time=${RATCHET_FUZZ_SECONDS} -timeout=10
            -rss_limit_mb=2048 -print_final_stats=1
            -artifact_prefix=${CMAKE_BINARY_DIR}/fuzz/${subject}- ${folders})
endfunction()
