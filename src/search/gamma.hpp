#pragma once

namespace xai::internal {

/// The share `p` in (0, 1) of a gamma distribution with this shape > 0 and scale 1 lies below this.
double gamma_quantile(double p, double shape);

}  // namespace xai::internal
