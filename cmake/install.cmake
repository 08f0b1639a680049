# SPDX-License-Identifier: Apache-2.0
#
# What `install` puts where: headers under netpoll/, the libraries, a CMake
# package, pkg-config files, the licence. Everything finds the rest from where it
# is itself, so the whole may be moved.

include(CMakePackageConfigHelpers)

set(netpoll_folders core backends)
if(netpoll_runtime_wanted)
  list(APPEND netpoll_folders runtime)
endif()
if(NETPOLL_C)
  list(APPEND netpoll_folders capi)
endif()
foreach(folder IN LISTS netpoll_folders)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}"
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/netpoll"
    FILES_MATCHING PATTERN "*.h"
    PATTERN "*test*" EXCLUDE)
endforeach()

# Two sets, so that whoever uses the core needs nothing that the runtime needs.
set(netpoll_package "${CMAKE_INSTALL_LIBDIR}/cmake/netpoll")
install(TARGETS netpoll_core EXPORT netpollCoreTargets)
install(EXPORT netpollCoreTargets NAMESPACE netpoll::
  DESTINATION "${netpoll_package}")
set(netpoll_processor ARCH_INDEPENDENT)
if(netpoll_runtime_wanted)
  install(TARGETS ${netpoll_runtime_targets} EXPORT netpollRuntimeTargets
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  install(EXPORT netpollRuntimeTargets NAMESPACE netpoll::
    DESTINATION "${netpoll_package}")
  set(netpoll_processor)
endif()

if(NETPOLL_C)
  install(TARGETS netpoll_c EXPORT netpollCTargets
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  install(EXPORT netpollCTargets NAMESPACE netpoll::
    DESTINATION "${netpoll_package}")
  set(netpoll_processor)
endif()

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/netpollConfig.cmake.in"
  netpollConfig.cmake INSTALL_DESTINATION "${netpoll_package}")
write_basic_package_version_file(netpollConfigVersion.cmake
  COMPATIBILITY SameMinorVersion ${netpoll_processor})
install(FILES
  "${CMAKE_CURRENT_BINARY_DIR}/netpollConfig.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/netpollConfigVersion.cmake"
  DESTINATION "${netpoll_package}")

set(netpoll_pc netpoll)
if(netpoll_runtime_wanted)
  list(APPEND netpoll_pc netpoll_runtime)
endif()
if(NETPOLL_C)
  list(APPEND netpoll_pc netpoll_c)
endif()
# From where the .pc file is, unless the folders were given as absolute ones.
file(RELATIVE_PATH netpoll_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
set(netpoll_prefix "\${pcfiledir}/${netpoll_prefix}")
foreach(kind IN ITEMS INCLUDEDIR LIBDIR)
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${kind}}")
    set(netpoll_prefix "${CMAKE_INSTALL_PREFIX}")
    set(netpoll_${kind} "${CMAKE_INSTALL_${kind}}")
  else()
    set(netpoll_${kind} "\${prefix}/${CMAKE_INSTALL_${kind}}")
  endif()
endforeach()
foreach(name IN LISTS netpoll_pc)
  configure_file("${PROJECT_SOURCE_DIR}/cmake/${name}.pc.in" ${name}.pc @ONLY)
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/${name}.pc"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endforeach()

install(FILES "${PROJECT_SOURCE_DIR}/LICENSE"
  DESTINATION "${CMAKE_INSTALL_DOCDIR}")
