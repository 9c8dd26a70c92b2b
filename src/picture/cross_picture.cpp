#include "xai/picture/cross_picture.hpp"

#include <algorithm>

#include "drawing.hpp"
#include "xai/core/error.hpp"

namespace xai {
using namespace drawing;
namespace {

constexpr int side = 196;           // of the square that a tile fits into
constexpr int row_title = 24;       // above the tiles
constexpr int smallest_pitch = 14;  // of bars
constexpr int largest_pitch = 26;
constexpr int axis_width = 320;
constexpr int axis_height = 20;
constexpr int widest_name = 230;
constexpr int number_width = 80;
const cv::Scalar own_color(0, 114, 178);
const cv::Scalar other_color(126, 180, 214);
const Font row_font{12, ink, true};
const Font name_font{9, ink};
const Font own_font{9, own_color, true};
const Font heading_font{9, faded_ink};
const Font axis_font{8, faded_ink};

/// Where a row's bars stand.
struct Chart {
  int left;         // of the names
  int names_width;  // of the longest
  int bars;         // most of a row

  int pitch() const { return std::clamp(side / std::max(bars, 1), smallest_pitch, largest_pitch); }
  int height() const { return std::max(side, bars * pitch()); }

  int axis(double value) const {
    return left + names_width + gap + cvRound(std::clamp(value, 0.0, 1.0) * axis_width);
  }
  int width() const { return names_width + gap + axis_width + number_width; }
};

bool all_explain_the_same(const std::vector<CrossRow>& rows) {
  return std::all_of(rows.begin(), rows.end(),
                     [&](const CrossRow& row) { return row.class_name == rows.front().class_name; });
}

Chart chart_of(const CrossFigure& figure) {
  Chart chart{.left = margin + 3 * side + 4 * gap, .names_width = 0, .bars = 0};
  for (const CrossRow& row : figure.rows) {
    chart.bars = std::max(chart.bars, static_cast<int>(row.targets.size()));
    for (const CrossBar& bar : row.targets)
      chart.names_width = std::max(chart.names_width, Text(bar.model, own_font).width());
  }
  chart.names_width = std::min(chart.names_width, widest_name);
  return chart;
}

/// From x to x, centred about y.
void draw_block(cv::Mat& canvas, int from, int to, int y, int height, const cv::Scalar& color) {
  canvas(cv::Rect(std::min(from, to), y - height / 2, std::abs(to - from), height)).setTo(color);
}

void draw_bar(cv::Mat& canvas, const Chart& chart, int y, const CrossBar& bar, bool own) {
  const int band = std::min(chart.pitch() - 3, 14);
  if (bar.f_full && bar.f_baseline)
    draw_block(canvas, chart.axis(*bar.f_baseline), chart.axis(*bar.f_full), y, band, rule_color);
  if (bar.posterior)
    draw_block(canvas, chart.axis(0), chart.axis(*bar.posterior), y, band / 2, own ? own_color : other_color);
  const Font& font = own ? own_font : name_font;
  draw_line(canvas, {chart.left, y + 5}, bar.model, font, chart.names_width);
  draw_line(canvas, {chart.axis(1) + 8, y + 5}, bar.posterior ? number(*bar.posterior, 2) : "undefined", font,
            number_width - 8);
}

void draw_bars(cv::Mat& canvas, const Chart& chart, int middle, const CrossRow& row) {
  const int height = chart.pitch() * static_cast<int>(row.targets.size()), top = middle - height / 2;
  for (const double value : {0.0, 0.5, 1.0}) {
    draw_block(canvas, chart.axis(value), chart.axis(value) + 1, middle, height,
               value > 0 ? rule_color : faded_ink);
    const Text label(value == 0.5 ? "0.5" : number(value, 0), axis_font);
    label.draw(canvas, {chart.axis(value) + 2 - label.width() / 2, top + height + 13});
  }
  for (std::size_t i = 0; i < row.targets.size(); ++i)
    draw_bar(canvas, chart, top + chart.pitch() * static_cast<int>(i) + chart.pitch() / 2, row.targets[i],
             row.targets[i].model == row.model);
}

/// Column 0, 1 or 2 of a row.
void draw_tile(cv::Mat& canvas, const cv::Mat& picture, int column, int top) {
  const double scale = 1.0 * side / std::max(picture.rows, picture.cols);
  const cv::Size size(std::max(1, cvRound(scale * picture.cols)), std::max(1, cvRound(scale * picture.rows)));
  const cv::Point corner(margin + column * (side + gap), top);
  scaled(picture, size).copyTo(canvas(cv::Rect(corner, size)));
}

void draw_tiles(cv::Mat& canvas, const CrossFigure& figure, const CrossRow& row, int top) {
  check_photograph(row.photograph);
  draw_tile(canvas, row.photograph, 0, top);
  if (row.map.empty()) {
    draw_paragraph(canvas, {margin + side + 2 * gap, top + 20}, row.why_no_map, sentence_font,
                   2 * side - gap);
    return;
  }
  draw_tile(canvas, overlay(row.photograph, row.map, figure.size), 1, top);
  const cv::Mat cells = cv::Mat(row.shown, true).reshape(1, figure.size);
  draw_tile(canvas, revealed(row.photograph, blurred_and_dimmed(row.photograph), cells, figure.mask), 2, top);
}

void draw_headings(cv::Mat& canvas, const CrossFigure& figure, const Chart& chart) {
  const std::string headings[] = {"as the model crops it", figure.map_heading, figure.shown_heading};
  for (int column = 0; column < 3; ++column)
    draw_line(canvas, {margin + column * (side + gap), margin + 47}, headings[column], heading_font, side);
  draw_line(canvas, {chart.left, margin + 47},
            "probability of the class from these cells; grey: baseline to photograph", heading_font,
            chart.width());
}

}  // namespace

cv::Mat cross_picture(const CrossFigure& figure) {
  require<Error>(!figure.rows.empty(), "a picture of cross-tests needs a model");
  const Chart chart = chart_of(figure);
  const int step = row_title + chart.height() + axis_height;
  const int top = margin + title_height;
  const int width = chart.left + chart.width() - margin;
  const Legend legend(
      "Bars: the probability that each model gives the class when it sees only these cells: the higher, the "
      "more "
      "it decides by the same evidence. Dark blue: the model whose evidence it is; light blue: the others.",
      width);
  cv::Mat canvas(top + step * static_cast<int>(figure.rows.size()) + legend.height() + margin,
                 width + 2 * margin, CV_8UC3, paper);
  legend.draw(canvas);

  const bool same = all_explain_the_same(figure.rows);
  draw_title(canvas, same ? figure.rows.front().class_name : "Each model's own class", figure.image, width);
  draw_headings(canvas, figure, chart);
  for (std::size_t i = 0; i < figure.rows.size(); ++i) {
    const CrossRow& row = figure.rows[i];
    const int y = top + step * static_cast<int>(i) + row_title;
    const int taken = draw_line(canvas, {margin, y - 8}, row.model, row_font, 3 * side + 2 * gap);
    const int left = 3 * side + 2 * gap - taken - gap;
    if (!same && left > 60) draw_line(canvas, {margin + taken + gap, y - 8}, row.class_name, text_font, left);
    draw_tiles(canvas, figure, row, y);
    draw_bars(canvas, chart, y + chart.height() / 2, row);
  }
  return canvas;
}

}  // namespace xai
