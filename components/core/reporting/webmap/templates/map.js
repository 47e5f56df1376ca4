// A map of a report: reads what the page holds, and draws it with Leaflet. It asks no network, and keeps nothing.
(function () {
  "use strict";

  var RADIUS_M = 6378137;
  var MOST_ZOOM_STEPS = 3; // beyond one pixel of the imagery a pixel of the screen
  var FAR_ZOOM_STEPS = 1;
  var PHONE_PX = 620;

  function plane(kind) {
    if (kind === "ground") {
      return {
        crs: L.CRS.EPSG3857,
        at: function (x, y) { return L.Projection.SphericalMercator.unproject(L.point(x, y)); },
        zoom: function (unit) { return Math.log(2 * Math.PI * RADIUS_M / 256 / unit) / Math.LN2; }
      };
    }
    return {
      crs: L.CRS.Simple,
      at: function (x, y) { return L.latLng(y, x); },
      zoom: function (unit) { return -Math.log(unit) / Math.LN2; }
    };
  }

  function bounds(on, box) {
    return L.latLngBounds(on.at(box[0], box[1]), on.at(box[2], box[3]));
  }

  function rings(on, scene, polygons) {
    return polygons.map(function (polygon) {
      return polygon.map(function (steps) {
        var x = 0, y = 0, points = [];
        for (var index = 0; index < steps.length; index += 2) {
          x += steps[index];
          y += steps[index + 1];
          points.push(on.at(scene.bounds[0] + x * scene.step, scene.bounds[1] + y * scene.step));
        }
        return points;
      });
    });
  }

  function value(column, place) {
    var found = column.values[place];
    return column.texts && found !== null ? column.texts[found] : found;
  }

  function element(name, text, parent) {
    var made = document.createElement(name);
    if (text !== null) made.textContent = text;
    if (parent) parent.appendChild(made);
    return made;
  }

  function row(data, place) {
    var kind = data.kinds[data.buildings[place][0]];
    var box = element("div", null);
    var head = element("h4", null, box);
    element("i", null, head).style.background = kind.color;
    element("span", kind.title, head);
    var body = element("tbody", null, element("table", null, box));
    data.columns.forEach(function (column) {
      var found = value(column, place);
      if (found === null) return;
      var line = element("tr", null, body);
      element("th", column.title, line).scope = "row";
      element("td", String(found), line);
    });
    return box;
  }

  function start(holder) {
    var data = JSON.parse(document.getElementById(holder.dataset.map).textContent);
    var part = function (name) { return holder.querySelector('[data-part="' + name + '"]'); };
    var on = plane(data.plane);
    var calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    var pixel = Math.min.apply(null, data.scenes.map(function (scene) { return scene.step; })) * data.steps;
    var frame = part("map");
    part("still").hidden = true;
    frame.hidden = false;

    var map = L.map(frame, {
      crs: on.crs, zoomSnap: 0.25, zoomDelta: 1, wheelPxPerZoomLevel: 90, preferCanvas: true, attributionControl: false,
      renderer: L.canvas({ tolerance: window.innerWidth < PHONE_PX ? 8 : 3, padding: 0.2 }),
      minZoom: Math.floor(on.zoom(Math.max(data.extent[2] - data.extent[0], data.extent[3] - data.extent[1]) / 128)),
      maxZoom: Math.ceil(on.zoom(pixel)) + MOST_ZOOM_STEPS,
      zoomAnimation: !calm, fadeAnimation: !calm, inertia: !calm, worldCopyJump: false
    });
    frame.setAttribute("role", "application");
    frame.setAttribute("aria-label", "Map of " + data.title + ": arrow keys move it, plus and minus zoom");
    L.control.attribution({ prefix: "Leaflet" }).addTo(map);
    if (data.plane === "ground") L.control.scale({ imperial: false }).addTo(map);
    map.fitBounds(bounds(on, data.start), { animate: false });

    var layers = { imagery: L.layerGroup() };
    data.pictures.forEach(function (picture) {
      L.imageOverlay(picture.uri, bounds(on, picture.bounds), { alt: "", interactive: false }).addTo(layers.imagery);
    });
    layers.imagery.addTo(map);
    data.scenes.forEach(function (scene) {
      if (!scene.frame) return;
      L.polygon(scene.frame.map(function (point) { return on.at(point[0], point[1]); }), {
        color: "#64707d", weight: 1, opacity: 0.7, fill: false, interactive: false
      }).addTo(map);
    });
    data.kinds.forEach(function (kind) { layers[kind.key] = L.layerGroup().addTo(map); });

    var shapes = data.buildings.map(function (building, place) {
      var kind = data.kinds[building[0]];
      var shape = L.polygon(rings(on, data.scenes[building[1]], building[2]), {
        color: kind.color, weight: 2, opacity: 1, fillColor: kind.color, fillOpacity: kind.fill,
        dashArray: kind.dashed ? "5 4" : null, smoothFactor: 0.5
      });
      shape.on("click", function (event) { L.DomEvent.stopPropagation(event); open(place, event.latlng); });
      return shape.addTo(layers[kind.key]);
    });

    // What a reader looks for first is drawn last.
    var order = data.buildings.map(function (building, place) { return place; }).filter(function (place) {
      return !data.kinds[data.buildings[place][0]].echo;
    });
    order.sort(function (one, other) { return data.buildings[other][0] - data.buildings[one][0] || one - other; });

    var all = order.length + (order.length === 1 ? " building" : " buildings");
    var current = -1, marked = null, weight = 2;
    function shown(place) { return map.hasLayer(layers[data.kinds[data.buildings[place][0]].key]); }
    function mark(place) {
      if (marked !== null) shapes[marked].setStyle({ weight: weight });
      marked = place;
      if (place !== null) shapes[place].setStyle({ weight: 4 }).bringToFront();
    }
    // From afar, lines would hide what they are around.
    function weigh() {
      var wanted = map.getZoom() < on.zoom(pixel) - FAR_ZOOM_STEPS ? 1 : 2;
      if (wanted === weight) return;
      weight = wanted;
      shapes.forEach(function (shape, place) { if (place !== marked) shape.setStyle({ weight: weight }); });
    }
    map.on("zoomend", weigh);
    function open(place, at) {
      var number = order.indexOf(place);
      if (number >= 0) current = number;
      map.openPopup(L.popup({ minWidth: 190, maxWidth: Math.min(340, frame.clientWidth - 60), autoPanPadding: [24, 24] }).setLatLng(at).setContent(row(data, place)));
      mark(place);
      part("position").textContent = number >= 0 ? "building " + (number + 1) + " of " + order.length : all;
    }
    map.on("popupclose", function () { mark(null); });

    function step(by) {
      for (var tries = 0; tries < order.length; tries++) {
        current = (current + by + order.length) % order.length;
        if (!shown(order[current])) continue;
        var box = shapes[order[current]].getBounds();
        map.fitBounds(box.pad(1.5), { animate: false, maxZoom: Math.ceil(on.zoom(pixel)) });
        open(order[current], box.getCenter());
        return;
      }
    }
    part("previous").addEventListener("click", function () { step(current < 0 ? 0 : -1); });
    part("next").addEventListener("click", function () { step(1); });
    holder.querySelector(".webmap-steps").hidden = !order.length;
    part("position").textContent = all;

    var places = part("places");
    data.places.forEach(function (place, number) {
      element("option", place.name, places).value = String(number);
    });
    places.value = String(data.first);
    places.addEventListener("change", function () {
      map.closePopup();
      map.fitBounds(bounds(on, data.places[Number(places.value)].bounds), { animate: false });
    });
    holder.querySelector(".webmap-goto").hidden = data.places.length < 2;

    holder.querySelectorAll("input[data-kind]").forEach(function (box) {
      box.hidden = false;
      box.checked = true;
      box.addEventListener("change", function () {
        var layer = layers[box.dataset.kind];
        if (!box.checked) { map.closePopup(); layer.remove(); return; }
        layer.addTo(map);
        data.kinds.forEach(function (kind) {
          if (map.hasLayer(layers[kind.key])) layers[kind.key].eachLayer(function (shape) { shape.bringToFront(); });
        });
      });
    });
    weigh();
    holder.dataset.ready = "true";
  }

  document.querySelectorAll("[data-map]").forEach(function (holder) {
    try {
      start(holder);
    } catch (error) {
      holder.querySelector('[data-part="still"]').hidden = false;
      holder.querySelector('[data-part="map"]').hidden = true;
      throw error;
    }
  });
})();
