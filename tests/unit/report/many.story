envrun run shop
passed in 4.5 s

suite passed in 0.1 s

            0                                                              4.5 s
service-00  csrrrrrrr===========================================================
service-01  csrrrrrrr===========================================================
service-02  i......................  rrrrrrrr===================================
service-03  icsrrrrrrrr=========================================================
service-04  icsrrrrrrrrr========================================================
service-05  ic......................  srrrrrrrrr================================
service-06  icsrrrrrrrrrr=======================================================
service-07  icsrrrrrrrrrrr======================================================
service-08  ic......................   srrrrrrrrrrr=============================
service-09  iicrrrrrrrrrrrr=====================================================
service-10  iicsrrrrrrrrrrrr====================================================
service-11  iic......................    srrrrrrrrrrrr==========================
service-12  iicsrrrrrrrrrrrrr===================================================
service-13  iicsrrrrrrrrrrrrrr==================================================
service-14  iic......................     srrrrrrrrrrrrrr=======================
service-15  iiisrrrrrrrrrrrrrrr=================================================
service-16  iiicrrrrrrrrrrrrrrrr================================================
service-17  iiic......................     srrrrrrrrrrrrrrrr====================
service-18  iiicsrrrrrrrrrrrrrrrrr==============================================
service-19  iiicsrrrrrrrrrrrrrrrrr==============================================
service-20  iiic......................       srrrrrrrrrrrrrrrrr=================
service-21  iiicsrrrrrrrrrrrrrrrrrrr============================================
service-22  iiiisrrrrrrrrrrrrrrrrrrr============================================
service-23  iiiic......................       srrrrrrrrrrrrrrrrrrrr=============
service-24  iiiicsrrrrrrrrrrrrrrrrrrrr==========================================
service-25  iiiicsrrrrrrrrrrrrrrrrrrrr==========================================
service-26  iiiic......................        srrrrrrrrrrrrrrrrrrrrrr==========
service-27  iiiicsrrrrrrrrrrrrrrrrrrrrrr========================================
service-28  iiiiisrrrrrrrrrrrrrrrrrrrrrrr=======================================
service-29  iiiii.......................         srrrrrrrrrrrrrrrrrrrrrrr=======
suite                                                                       ###
            i image  c create  s start  r until ready  = up  . wait  # suite

up in 4.0 s: service-28 1.9 s + service-29 2.1 s; service-27 1.9 s, service-26 1.8 s, service-25 1.8 s, service-24 1.7 s, service-23 1.7 s, service-22 1.6 s and 22 more
