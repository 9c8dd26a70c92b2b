// A whole run in ten lines: consumer MODEL.pt DATA RUN
#include <iostream>
#include <xai/run/mse.hpp>

int main(int, char** argv) {
  xai::MseRunOptions options;
  options.input.model = argv[1];
  options.input.data.data = argv[2];
  options.output.out = argv[3];
  options.mse.grid = 3;
  xai::RunObserver silent;
  std::cout << xai::run_mse(options, silent).summary["images"] << " images explained\n";
}
