// Which names the files of a bundle may have.
#pragma once

#include <string>

namespace rfa {

// Throws Error unless a name is plain on every system: it names an entry of the bundle's own folder, nothing else.
void check_file_name(const std::string& name);

}  // namespace rfa
