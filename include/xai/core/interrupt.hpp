#pragma once

namespace xai {

/// From now on SIGINT, SIGTERM and SIGUSR1 only make interrupted() true, so that a run can save and stop;
/// a second SIGINT ends the process at once with exit code 130.
void install_interrupt_handlers();

/// One of the signals has come.
bool interrupted();

}  // namespace xai
