// SPDX-License-Identifier: Apache-2.0
//
// Text as the languages of pictures need it.

#ifndef NETPOLL_MODEL_REPORT_MARKUP_H_
#define NETPOLL_MODEL_REPORT_MARKUP_H_

#include <string>
#include <string_view>

namespace netpoll::model {

// In an element or an attribute of HTML or SVG.
std::string HtmlText(std::string_view text);

// <tag class="classes">inside</tag>, where `inside` is HTML already.
std::string Element(const std::string& tag, const std::string& classes,
                    const std::string& inside);

// In a label or a message of Mermaid, which reads ; " and # as its own.
std::string MermaidText(std::string_view text);

// As a string of JSON, with its quotes; fit for a <script> as well.
std::string JsonText(std::string_view text);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_REPORT_MARKUP_H_
